package stack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/leaver-dev/leaver"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

// Server is a Temporal dev server.
type Server struct {
	*Process
	Address string
	// UI is the Web UI's address, or "" without one.
	UI string
}

// ServerOptions says how a dev server is started.
type ServerOptions struct {
	// Program is the temporal command.
	Program string
	// Log is the file for its output.
	Log string
	// Database keeps workflows over a restart; without it they live in memory.
	Database string
	// Address and UI are host:port; an empty UI means none. Where they turn out
	// to be taken, others are.
	Address, UI string
}

// startTimeout is generous for a machine that is busy building.
const startTimeout = time.Minute

// tries is how often a port may be taken by somebody else between the moment
// that it was found free and the moment that the server wants it.
const tries = 3

// StartServer starts a dev server and returns once it takes work.
func StartServer(ctx context.Context, o ServerOptions) (*Server, error) {
	for left := tries - 1; ; left-- {
		s, err := startServer(ctx, o)
		if left == 0 || !errors.Is(err, errEndedAtOnce) {
			return s, err
		}
		if o.Address, err = Address(0); err != nil {
			return nil, err
		}
		if o.UI == "" {
			continue
		}
		if o.UI, err = Address(0); err != nil {
			return nil, err
		}
	}
}

func startServer(ctx context.Context, o ServerOptions) (*Server, error) {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, err
	}
	args := []string{"server", "start-dev", "--ip", host, "--port", port, "--log-level", "error",
		// Without these the dev server hands out work on a tick of 50 ms.
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000",
		"--dynamic-config-value", "system.enableActivityEagerExecution=true",
	}
	s := &Server{Address: o.Address}
	if o.UI == "" {
		args = append(args, "--headless")
	} else {
		_, uiPort, err := net.SplitHostPort(o.UI)
		if err != nil {
			return nil, err
		}
		args = append(args, "--ui-port", uiPort)
		s.UI = "http://" + o.UI
	}
	if o.Database != "" {
		args = append(args, "--db-filename", o.Database)
	}
	if s.Process, err = Start(o.Log, o.Program, args, nil); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.until(ctx, s.ready); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) ready(ctx context.Context) error {
	temporal, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	_, err = temporal.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: client.DefaultNamespace})
	return err
}

// Dial connects to the server.
func (s *Server) Dial(ctx context.Context) (client.Client, error) {
	return client.DialContext(ctx, client.Options{
		HostPort: s.Address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
}

func (s *Server) polled(ctx context.Context) error {
	temporal, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	queue, err := temporal.DescribeTaskQueue(ctx, leaver.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err == nil && len(queue.GetPollers()) == 0 {
		err = errors.New("no worker polls the task queue")
	}
	return err
}

// WorkerOptions says how a worker is started.
type WorkerOptions struct {
	// Program is the built worker.
	Program string
	// Log is the file for its output.
	Log string
	// GraphURL and Token lead to a simulated tenant.
	GraphURL, Token string
	// Env is added to its environment, as "NAME=value".
	Env []string
}

// StartWorker starts a worker on the server and returns once it takes work.
func (s *Server) StartWorker(ctx context.Context, o WorkerOptions) (*Process, error) {
	env := append([]string{
		"TEMPORAL_ADDRESS=" + s.Address,
		"LEAVER_GRAPH_URL=" + o.GraphURL, "LEAVER_CREDENTIAL=simulated", "LEAVER_GRAPH_TOKEN=" + o.Token,
		"LEAVER_FIRST_POLL=1s", "LEAVER_LONGEST_POLL=2s",
	}, o.Env...)
	worker, err := Start(o.Log, o.Program, nil, env)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := worker.until(ctx, func(ctx context.Context) error { return s.polled(ctx) }); err != nil {
		_ = worker.Stop()
		return nil, err
	}
	return worker, nil
}
