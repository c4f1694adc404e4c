"""Events of one customer, agent or call to signed facts: what an event means. Pure: no clock, no environment, no I/O."""
