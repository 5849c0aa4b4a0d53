package host

const instance = "tcp"
