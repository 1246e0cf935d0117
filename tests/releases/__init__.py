"""Small archives that earlier releases made, and the program that makes one."""
