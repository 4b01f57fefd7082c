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
	name string
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
	p := &Process{name: program, cmd: exec.Command(program, args...), done: make(chan struct{}), log: file}
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.Env = append(os.Environ(), env...)
	if err := p.cmd.Start(); err != nil {
		file.Close()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		file.Close()
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
		return fmt.Errorf("%s did not stop within %s", p.name, grace)
	}
}

var errEndedAtOnce = errors.New("ended at once")

// until waits for ready to succeed while the process lives.
func (p *Process) until(ctx context.Context, ready func(context.Context) error) error {
	var last error
	for {
		if last = ready(ctx); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s %w (%v); its log is %s", p.name, errEndedAtOnce, p.err, p.log.Name())
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w; its log is %s", p.name, last, p.log.Name())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Address is the preferred loopback port where it is free, else any free one.
func Address(preferred int) (string, error) {
	for _, port := range []int{preferred, 0} {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return listener.Addr().String(), listener.Close()
		}
		if port == 0 {
			return "", err
		}
	}
	return "", nil
}
