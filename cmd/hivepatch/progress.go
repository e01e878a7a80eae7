package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// When a line of progress appears, and how often it is written anew.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress tells whoever sits at a terminal that long work goes on, and how far
// it is. It writes one line, over and over, and wipes it away at the end. The
// nil progress is silent.
type progress struct {
	mutex       sync.Mutex
	out         io.Writer
	began       time.Time
	what        string
	done, total int64 // of anything; nothing is known where total is 0
	width       int   // of the line that stands there
	stop        chan struct{}
	stopped     sync.WaitGroup
}

// startProgress tells of work where standard error is a terminal. It returns nil
// elsewhere: files and pipes see nothing of it. A command calls it when it prints
// nothing before end is called, but by way of beside.
func startProgress(env *environment, options reportOptions, what string) *progress {
	stderr, ok := env.stderr.(*messages)
	if !ok || options.quiet || options.verbose || !isTerminal(stderr.file) {
		return nil
	}
	p := newProgress(stderr, what, progressAfter, progressEvery)
	env.shown.Store(p)
	return p
}

func newProgress(out io.Writer, what string, after, every time.Duration) *progress {
	p := &progress{out: out, began: time.Now(), what: what, stop: make(chan struct{})}
	p.stopped.Go(func() { p.run(after, every) })
	return p
}

func (p *progress) run(after, every time.Duration) {
	wait := time.NewTimer(after)
	defer wait.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-wait.C:
			p.write()
			wait.Reset(every)
		}
	}
}

// write writes the line over the one before.
func (p *progress) write() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	line := fmt.Sprintf("%s: %s, %d s", programName, printable(p.what), int(time.Since(p.began).Seconds()))
	if p.total > 0 {
		line += fmt.Sprintf(", %d %%", 100*min(p.done, p.total)/p.total)
	}
	fmt.Fprintf(p.out, "\r%-*s", p.width, line)
	p.width = len(line)
}

// step says what is being done now. How far it is is not known then.
func (p *progress) step(what string) {
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.what, p.done, p.total = what, 0, 0
}

// at says how far the work is: done of total, such as bytes. It may be called
// often, but not for each byte.
func (p *progress) at(done, total int64) {
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.done, p.total = done, total
}

// end wipes the line away. It may be called more than once.
func (p *progress) end() {
	if p == nil || p.stop == nil {
		return
	}
	close(p.stop)
	p.stopped.Wait()
	p.stop = nil
	p.silence()
}

// silence wipes the line away, and it does not come back. Unlike end it can be
// called by whoever ends the program in the middle of the work.
func (p *progress) silence() {
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.width > 0 {
		p.wipe()
	}
	p.out = io.Discard
}

// wipe leaves nothing of the line. It is called where p.write cannot be.
func (p *progress) wipe() {
	fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.width))
	p.width = 0
}

// beside returns what messages can be written to while the work goes on, other
// than stderr where they would stand in the line of progress.
func (p *progress) beside(stderr io.Writer) io.Writer {
	if p == nil {
		return stderr
	}
	return besideProgress{p, stderr}
}

// besideProgress wipes the line of progress away before each message.
type besideProgress struct {
	progress *progress
	stderr   io.Writer
}

func (b besideProgress) Write(message []byte) (int, error) {
	b.progress.mutex.Lock()
	defer b.progress.mutex.Unlock()
	if b.progress.width > 0 {
		b.progress.wipe()
	}
	return b.stderr.Write(message)
}
