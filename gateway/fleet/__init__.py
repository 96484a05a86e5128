"""Several hosts act as one: what a worker and a supervisor share with those of other hosts, through a store."""
