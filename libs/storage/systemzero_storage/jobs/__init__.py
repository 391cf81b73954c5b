"""Jobs on a database, whichever it is: queues, patience, spans and errors."""
