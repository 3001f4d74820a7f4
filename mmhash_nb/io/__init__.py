"""Files and folders: written whole, found, fetched, unpacked, cached, and read from MATLAB."""
