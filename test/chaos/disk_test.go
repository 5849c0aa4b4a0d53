package chaos

// hasDisk says that the program has a store on disk.
const hasDisk = false
