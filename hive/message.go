package hive

import "hivepatch/hive/escape"

// Messages of errors name keys and values as package escape writes them, so that
// a path can be copied from a message into a command line.

func describeKey(path string) string { return "key " + escape.Path(path) }

func describeValue(name, path string) string {
	return "value " + escape.ValueName(name) + " of " + describeKey(path)
}

// quote is for a name that nothing can have, which may be empty or hold anything.
func quote(name string) string { return `"` + escape.Name(name) + `"` }
