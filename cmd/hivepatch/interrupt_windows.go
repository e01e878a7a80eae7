package main

import "os"

func dieOf(os.Signal) { os.Exit(exitFailed) }
