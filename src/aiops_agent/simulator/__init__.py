"""THE SHOP: a small company that can be broken on purpose; to the house just another vendor.

Faults and actions change physical parameters only; what is seen, and whether a fix works, follows.
"""
