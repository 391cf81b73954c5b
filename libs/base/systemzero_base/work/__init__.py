"""Work beside the calls: background loops, pools of threads, the process's memory."""
