"""A tree of ml-cart's in flat arrays."""

import numpy as np

# For blocks of this many rows, what a step reads and writes stays in the processor's cache.
BLOCK = 8192


class FlatTree:
    """The arrays of a tree.

    Children are side by side. A leaf is its own right child, and its threshold is NaN, so that a step from a leaf
    stays at the leaf.
    """

    def __init__(self, root):
        nodes = [root]
        features, thresholds, rights, self.distributions = [], [], [], []
        for number, node in enumerate(nodes):  # which grows
            left, right = node.get("left"), node.get("right")
            if left and right:
                features.append(node["splitColumn"])
                thresholds.append(node["splitValue"])
                rights.append(len(nodes) + 1)
                self.distributions.append(None)
                nodes += (left, right)
            else:
                features.append(0)
                thresholds.append(np.nan)
                rights.append(number)
                self.distributions.append(node["distribution"])
        self.features = np.array(features, dtype=np.intp)
        self.thresholds = np.array(thresholds, dtype=np.float64)
        self.rights = np.array(rights, dtype=np.intp)

    def find_leaves(self, columns, rows):
        """Returns the leaf of each row. A row goes left if its feature is below the threshold; NaN never is."""
        leaves = np.empty(rows, dtype=np.intp)
        for start in range(0, rows, BLOCK):
            block = np.stack([column[start : start + BLOCK] for column in columns])
            leaves[start : start + BLOCK] = self._walk(block.ravel(), block.shape[1])
        return leaves

    def _walk(self, values, rows):
        at = np.zeros(rows, dtype=np.intp)
        moving = np.arange(rows)
        while moving.size:
            node = at[moving]
            goes_left = values[self.features[node] * rows + moving] < self.thresholds[node]
            child = self.rights[node] - goes_left
            at[moving] = child
            moving = moving[self.rights[child] != child]
        return at
