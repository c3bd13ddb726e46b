# SPDX-License-Identifier: GPL-2.0
"""Charts, drawn with matplotlib, which `LAB_MORE=charts tools/lab/setup` installs."""


def pyplot(salt):
    """matplotlib's pyplot, set so that the same data makes the same file: no random names. ImportError without it."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": salt, "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as drawing
    return drawing


def save(figure, folder, name):
    """Writes the figure as `name`.svg and .png."""
    folder.mkdir(parents=True, exist_ok=True)
    # No date in it either.
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"{name}.png", dpi=150)
