"""The log's rows: entries, tree nodes, and the MACs that show who wrote them."""
