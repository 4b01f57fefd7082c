// Package stack brings up what an offboarding needs on one machine: a Temporal
// dev server, the command-line tools, a worker. The demo and the end-to-end
// tests stand on it.
package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

// grace is how long a process may take to stop before it is killed. It is
// longer than one attempt of an activity, which the worker lets finish.
const grace = 70 * time.Second

// Process is a program that runs until it is stopped.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  *os.File
	err  error
}

// Start runs a program whose output is appended to the file log. env is added
// to this process's environment.
func Start(log, program string, args, env []string) (*Process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the process has it
	p := &Process{cmd: exec.Command(program, args...), done: make(chan struct{}), log: file}
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.Env = append(os.Environ(), env...)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the process at once, as a power cut would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to end and waits for it. It returns how it ended.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		// Windows knows no interrupt for other processes.
		p.Kill()
		return nil
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(grace):
		p.Kill()
		return fmt.Errorf("%s did not stop within %s", p.cmd.Path, grace)
	}
}

var errEndedAtOnce = errors.New("ended at once")

// startTimeout is generous for a machine that is busy building.
const startTimeout = time.Minute

// until waits for ready to succeed while the process lives, or else stops the process.
func (p *Process) until(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		last := ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s %w (%v); its log is %s", p.cmd.Path, errEndedAtOnce, p.err, p.log.Name())
		case <-ctx.Done():
			_ = p.Stop()
			return fmt.Errorf("%s did not become ready: %w; its log is %s", p.cmd.Path, last, p.log.Name())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Address is the preferred loopback port where it is free, else any free one.
func Address(preferred int) (string, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", preferred))
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
