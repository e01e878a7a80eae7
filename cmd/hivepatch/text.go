package main

import (
	"strconv"

	"hivepatch/hive/escape"
)

// printable makes one line of a text that may hold anything: names of keys,
// values and files come from hives that nobody vouches for.
func printable(text string) string { return escape.Text(text) }

// plural writes a number with the thing that it counts.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
