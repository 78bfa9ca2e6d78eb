"""Reading models: their files, their formats, and what checks and backends need from them."""
