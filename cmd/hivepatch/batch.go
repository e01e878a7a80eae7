package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"
)

// mostJobs is the most targets that are worked on at once: each holds a hive in
// memory.
const mostJobs = 64

// jobsPerProcessor is more than one because each waits for the disk several times
// until a hive is safe: 1,000 hives of 1 MB took a tenth less than with one.
const jobsPerProcessor = 3

// batchRun is a batch at work.
type batchRun struct {
	env      *environment
	contexts *batchContexts
	work     *batchWork
	list     *targetList
	groups   [][]int // of targets that are worked on one after the other
	failFast bool
	results  *batchResults

	stopped context.Context // done when nothing new is to begin
	stop    context.CancelFunc
	mutex   sync.Mutex
	next    int // the group whose turn it is
}

func runBatch(env *environment, c *cli.Context, command *batchCommand) error {
	env.receipt = nil // each target has one of its own
	options, err := readReportOptions(c)
	if err != nil {
		return err
	}
	jobs, err := readJobs(c)
	if err != nil {
		return err
	}
	list, err := command.targetList(env, c)
	if err != nil {
		return err
	}
	if err := checkShared(c, list); err != nil {
		return err
	}
	work, err := command.begin(env, c)
	if err != nil {
		return err
	}
	env.allowMemory(batchMemory) // so that there is a limit that the targets share
	env.memory.rising = true
	contexts := command.contexts(c)
	groups, err := newBatchCheck(env, contexts, work, list).run()
	if err != nil {
		return err
	}
	if env.receipts != nil {
		if err := env.receipts.beginBatch(); err != nil {
			return err
		}
	}
	b := &batchRun{env: env, contexts: contexts, work: work, list: list, groups: groups, failFast: c.Bool("fail-fast")}
	b.results = newBatchResults(env, options, len(list.targets))
	return b.run(min(jobs, len(groups)))
}

func readJobs(c *cli.Context) (int, error) {
	text := c.String("jobs")
	if text == "" {
		return min(jobsPerProcessor*runtime.GOMAXPROCS(0), mostJobs), nil
	}
	jobs, err := strconv.ParseUint(text, 10, 16)
	if err != nil || jobs < 1 || jobs > mostJobs {
		return 0, usagef("--jobs %q: want a number from 1 to %d", text, mostJobs)
	}
	return int(jobs), nil
}

// run works on all targets. A signal to end the program has it begin with no
// other: what is under way is finished, however many signals come. So it is when
// nobody reads the results any more.
func (b *batchRun) run(jobs int) error {
	b.stopped, b.stop = context.WithCancel(context.Background())
	defer b.stop()
	b.env.leaveSignals()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer signal.Stop(signals)
	go b.heed(signals)
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(b.workOn)
	}
	workers.Wait()
	for _, group := range b.groups[b.next:] {
		b.leave(group)
	}
	return b.results.end()
}

func (b *batchRun) heed(signals <-chan os.Signal) {
	for {
		select {
		case <-b.stopped.Done():
			return
		case s := <-signals:
			if s != syscall.SIGPIPE { // of that the error of writing tells
				b.results.interrupted.Store(true) // not waiting for whoever reads the results
				b.stop()
			}
		}
	}
}

// workOn takes one group of targets after the other.
func (b *batchRun) workOn() {
	for {
		group, ok := b.take()
		if !ok {
			return
		}
		for i, at := range group {
			if b.stopped.Err() != nil {
				b.leave(group[i:])
				return
			}
			result := b.target(b.list.targets[at])
			if !b.results.add(result) || b.failFast && result.code != exitDone {
				b.stop()
			}
		}
	}
}

// take returns the group whose turn it is.
func (b *batchRun) take() (group []int, ok bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.stopped.Err() != nil || b.next == len(b.groups) {
		return nil, false
	}
	b.next++
	return b.groups[b.next-1], true
}

// target does the work on one target, as a run of the program of its own.
func (b *batchRun) target(t listedTarget) *targetResult {
	result := &targetResult{target: t}
	env := b.env.beside(&result.stdout, &result.stderr)
	env.stopped = b.stopped
	result.err = b.guarded(env, t)
	if endErr := env.end(); result.err == nil {
		result.err = endErr
	}
	result.code = exitCode(result.err)
	if env.endReceipt(result.err); env.receipt != nil && !env.receipts.add(env.receipt) {
		b.stop() // what is done without a receipt is not wanted
	}
	result.summary = env.summary
	return result
}

// guarded has a fault of the program be that of one target.
func (b *batchRun) guarded(env *environment, t listedTarget) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			_, _ = env.stderr.Write(debug.Stack()) // in front of the message
			err = fmt.Errorf("internal error: %v", fault)
		}
	}()
	c, err := b.contexts.of(t)
	if err != nil {
		return err
	}
	if env.receipts != nil {
		env.receipt = newReceipt(env, c)
	}
	return b.work.act(env, c)
}

// leave tells of targets that are not begun.
func (b *batchRun) leave(group []int) {
	for _, at := range group {
		t := b.list.targets[at]
		b.results.notStarted(t)
		if c, err := b.contexts.of(t); err == nil && b.env.receipts != nil {
			r := newReceipt(b.env, c)
			r.Started = nil
			b.env.receipts.add(r)
		}
	}
}

// beside returns the environment for work on one of several targets.
func (env *environment) beside(stdout, stderr io.Writer) *environment {
	return &environment{
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
		getenv: env.getenv, now: env.now, memory: env.memory, receipts: env.receipts,
	}
}

// targetResult is what became of a target.
type targetResult struct {
	target         listedTarget
	stdout, stderr bytes.Buffer // what the command printed
	err            error
	code           int
	summary        []string
}
