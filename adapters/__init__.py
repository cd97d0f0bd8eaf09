"""One solver at one interface: amounts and states become boundary conditions, and what was taken is booked."""
