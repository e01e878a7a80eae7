package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// interruption ends the program when the user, or the system, wants it to end:
// at once, but never while a file is being written, so that none is left half
// written, nor a temporary one. The zero value is never interrupted.
type interruption struct {
	// writing is held while a file is written, and for good by whoever ends the
	// program: nothing is begun any more then.
	writing sync.Mutex
	wanted  context.Context // ends when the program is to end; nil for never
	written []string        // files that are complete
	atDeath []func()        // what gives back what would outlive the program
	unwatch func()          // nil where nobody watches
	shown   atomic.Pointer[progress]
}

// watch waits for signals in the background. A second one of the same kind ends
// the program as if nobody watched. die ends it in the way of the signal.
func (i *interruption) watch(stderr *messages, die func(os.Signal)) {
	ctx, want := context.WithCancel(context.Background())
	i.wanted = ctx
	signals := make(chan os.Signal, 1)
	for _, kind := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(kind) { // as under nohup
			signal.Notify(signals, kind)
		}
	}
	done := make(chan struct{})
	i.unwatch = sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
	})
	go func() {
		var got os.Signal
		select {
		case got = <-signals:
		case <-done:
			return
		}
		want()
		signal.Stop(signals)
		i.writing.Lock()
		for _, giveBack := range i.atDeath {
			giveBack()
		}
		i.shown.Load().silence()
		fmt.Fprintf(stderr.last(), "%s: interrupted: %s\n", programName, printable(i.state()))
		die(got)
	}()
}

// leaveSignals leaves signals to somebody else.
func (i *interruption) leaveSignals() {
	if i.unwatch != nil {
		i.unwatch()
	}
}

// state says what has been written.
func (i *interruption) state() string {
	if len(i.written) == 0 {
		return "nothing was written"
	}
	return "written and complete: " + strings.Join(i.written, ", ")
}

// whole has write write the file at path, and does not return when the program
// is to end: the message of the signal is the last one.
func (i *interruption) whole(path string, write func(ctx context.Context) error) (err error) {
	i.uninterrupted(func(ctx context.Context) {
		if err = write(ctx); err == nil {
			i.written = append(i.written, path)
		}
	})
	return err
}

// uninterrupted has do end before the program does, of which its context tells
// it. It does not return when the program is to end.
func (i *interruption) uninterrupted(do func(ctx context.Context)) {
	ctx := i.wanted
	if ctx == nil {
		ctx = context.Background()
	}
	i.writing.Lock()
	do(ctx)
	i.writing.Unlock()
	i.awaitDeath()
}

// awaitDeath does not return when the program is to end. What fails because of
// that is not told.
func (i *interruption) awaitDeath() {
	if i.wanted != nil && i.wanted.Err() != nil {
		select {}
	}
}

// errInterrupted is returned for a target of a batch that was to end before it
// had its turn.
var errInterrupted = errors.New("interrupted before the hive was replaced: nothing was changed")

// untilInterrupted returns a context that ends when a batch is to end. Elsewhere
// the program ends by itself.
func (env *environment) untilInterrupted() context.Context {
	if env.stopped != nil {
		return env.stopped
	}
	return context.Background()
}

// interrupted says in plain words that a context has ended.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	return err
}

// untilEnd is a writer that refuses to go on when the program is to end.
type untilEnd struct {
	io.Writer
	ctx context.Context
}

func (w untilEnd) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}
