package hivefile

import "path/filepath"

// LoadIn reads the hive called name in a tree, with its logs, as Load does with
// a path. Nothing leads out of the tree, neither from the hive nor from the logs
// beside it; those are looked for beside name itself, which should therefore
// lead over no link. Paths in the result begin with the name of the tree.
// LoadOptions.Logs are paths of the user's own and not held to the tree.
//
// It returns the errors of Load; a link that leads out of the tree is an error
// of the tree's own kind.
func LoadIn(tree Tree, name string, options LoadOptions) (*File, error) {
	source, err := readFileIn(tree, name, options.Room)
	if err != nil {
		return nil, err
	}
	found, err := FindLogsIn(tree, name)
	if err != nil {
		return nil, err
	}
	var beside []string
	for _, log := range found {
		beside = append(beside, log.Path)
	}
	return open(source, beside, func(log string) (*Source, error) { return ReadFileIn(tree, log) }, options)
}

// ReadFileIn reads the regular file called name in a tree, as ReadFile does with
// a path, and returns its errors. Path is the name of the tree and name, joined.
func ReadFileIn(tree Tree, name string) (*Source, error) { return readFileIn(tree, name, 0) }

// readFileIn is ReadFileIn with room as readFile has it.
func readFileIn(tree Tree, name string, room int) (*Source, error) {
	file, err := tree.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() // nothing was written that a failure could lose
	return readOpen(filepath.Join(tree.Name(), name), file, room)
}

// FindLogsIn lists the logs of the hive called name in a tree, as FindLogs does
// with a path, and returns its errors. The paths are below the tree.
func FindLogsIn(tree Tree, name string) ([]LogFile, error) {
	return findLogsBeside(name, tree.OpenFolder)
}

// ReadLogsIn reads the logs of the hive called name in a tree. It returns the
// errors of FindLogsIn and ReadFileIn.
func ReadLogsIn(tree Tree, name string) ([]*Source, error) {
	found, err := FindLogsIn(tree, name)
	if err != nil {
		return nil, err
	}
	return readLogFiles(found, func(log string) (*Source, error) { return ReadFileIn(tree, log) })
}
