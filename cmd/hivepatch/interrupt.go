package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// errInterrupted is returned when the user, or the system, wanted the program to
// end before a hive was replaced.
var errInterrupted = errors.New("interrupted before the hive was replaced: nothing was changed")

// untilInterrupted returns a context that ends when the user, or the system,
// wants the program to end.
func (env *environment) untilInterrupted() (context.Context, context.CancelFunc) {
	if env.stopped != nil {
		return env.stopped, func() {}
	}
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// untilSaved is untilInterrupted for the saving of a hive that is ready: in a
// batch, what is under way is finished.
func (env *environment) untilSaved() (context.Context, context.CancelFunc) {
	if env.stopped != nil {
		return context.WithoutCancel(env.stopped), func() {}
	}
	return env.untilInterrupted()
}

// interrupted says in plain words that a context has ended.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	return err
}
