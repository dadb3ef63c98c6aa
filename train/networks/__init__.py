"""The networks that are shipped: how they begin, what they minimise, and how several become one."""
