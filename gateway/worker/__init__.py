"""One worker process: sockets and Duo on one side, the engine on the other, one event loop between them."""
