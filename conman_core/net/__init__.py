"""What conman asks of the kernel's network stack, and how it changes it."""
