"""How many processes a load needs: by calculation, and by a simulation of queues that checks it."""
