// SPDX-License-Identifier: GPL-2.0
#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "helpers.h"

/* The module's own directory, there as long as one of its devices has something in it. */
static DEFINE_MUTEX(root_lock);
static struct dentry *root;
static unsigned int root_users;

/* In C: the lock is static. */
struct dentry *nic_debugfs_create_dir(const char *module, const char *name,
				      struct nic_debugfs_file *ledger)
{
	struct dentry *dir;

	mutex_lock(&root_lock);
	if (!root_users++) {
		root = debugfs_create_dir(module, NULL);
		nic_debugfs_create_file("ledger", root, ledger);
	}
	dir = debugfs_create_dir(name, root);
	mutex_unlock(&root_lock);
	return dir;
}

/* In C: as in nic_debugfs_create_dir(). */
void nic_debugfs_remove_dir(struct dentry *dir)
{
	mutex_lock(&root_lock);
	debugfs_remove(dir);
	if (!--root_users) {
		debugfs_remove(root);
		root = NULL;
	}
	mutex_unlock(&root_lock);
}

/* In C: the table of functions is a constant with this module as its owner. */
static int nic_debugfs_open(struct inode *inode, struct file *file)
{
	struct nic_debugfs_file *entry = inode->i_private;

	return single_open(file, entry->show, entry);
}

static const struct file_operations nic_debugfs_fops = {
	.owner = THIS_MODULE,
	.open = nic_debugfs_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

void nic_debugfs_create_file(const char *name, struct dentry *dir, struct nic_debugfs_file *entry)
{
	debugfs_create_file(name, 0400, dir, entry, &nic_debugfs_fops);
}
