"""What an operator sees of the records: their index, alerts and dashboards, as SLS has them."""
