package salvage

import "errors"

// Why something cannot be read.
var (
	errNoCell      = errors.New("no cell starts where it should be")
	errTooShort    = errors.New("its cell is too short")
	errShared      = errors.New("its cells belong to too much else already")
	errTooLong     = errors.New("it is longer than the version allows")
	errDuplicate   = errors.New("another one has the cell already")
	errOverwritten = errors.New("its first four bytes were overwritten when it was deleted")
	errUsedAgain   = errors.New("its cells are in use again")
)

func flawError(f flaw) error { return errors.New(f.String()) }
