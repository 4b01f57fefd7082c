package stack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	enumspb "go.temporal.io/api/enums/v1"
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
	// Program is the temporal command, and Log the file for its output.
	Program, Log string
	// Database keeps workflows over a restart; without it they live in memory.
	Database string
	// Address and UI are host:port; an empty UI means none. Where they turn out
	// to be taken, others are.
	Address, UI string
	// Args are added to its arguments.
	Args []string
}

// StartServer starts a dev server and returns once it takes work. Somebody else may take
// a port after it was found free: then the server is started on others, twice at most.
func StartServer(ctx context.Context, o ServerOptions) (*Server, error) {
	s, err := startServer(ctx, o)
	for left := 2; left > 0 && errors.Is(err, errEndedAtOnce); left-- {
		if o.Address, err = Address(0); err != nil {
			return nil, err
		}
		if o.UI != "" {
			if o.UI, err = Address(0); err != nil {
				return nil, err
			}
		}
		s, err = startServer(ctx, o)
	}
	return s, err
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
		args = append(args, "--ui-port", o.UI[strings.LastIndex(o.UI, ":")+1:])
		s.UI = "http://" + o.UI
	}
	if o.Database != "" {
		args = append(args, "--db-filename", o.Database)
	}
	args = append(args, o.Args...)
	if s.Process, err = Start(o.Log, o.Program, args, nil); err != nil {
		return nil, err
	}
	return s, s.until(ctx, func(ctx context.Context) error { return s.polled(ctx, 0) })
}

// Dial connects to the server.
func (s *Server) Dial(ctx context.Context) (client.Client, error) {
	return client.DialContext(ctx, client.Options{
		HostPort: s.Address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
}

// polled is nil once the server answers and enough workers poll the task queue.
func (s *Server) polled(ctx context.Context, wanted int) error {
	temporal, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	queue, err := temporal.DescribeTaskQueue(ctx, leaver.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err == nil && len(queue.GetPollers()) < wanted {
		err = errors.New("no worker polls the task queue")
	}
	return err
}

// WorkerOptions says how a worker is started.
type WorkerOptions struct {
	// Program is the built worker, and Log the file for its output.
	Program, Log string
	// GraphURL and Token lead to a simulated tenant, whose Exchange is open by all doors.
	GraphURL, Token string
	// Env is added to its environment, as "NAME=value".
	Env []string
}

// StartWorker starts a worker on the server and returns once it takes work.
func (s *Server) StartWorker(ctx context.Context, o WorkerOptions) (*Process, error) {
	env := append([]string{
		"TEMPORAL_ADDRESS=" + s.Address,
		"LEAVER_GRAPH_URL=" + o.GraphURL, "LEAVER_CREDENTIAL=simulated", "LEAVER_GRAPH_TOKEN=" + o.Token,
		"LEAVER_EXCHANGE=preview,invokeCommand", "LEAVER_EXCHANGE_URL=" + strings.TrimSuffix(o.GraphURL, graphsim.GraphPath) + graphsim.ExchangePath, "AZURE_TENANT_ID=" + graphsim.TenantID,
		"LEAVER_FIRST_POLL=1s", "LEAVER_LONGEST_POLL=2s",
	}, o.Env...)
	worker, err := Start(o.Log, o.Program, nil, env)
	if err != nil {
		return nil, err
	}
	return worker, worker.until(ctx, func(ctx context.Context) error { return s.polled(ctx, 1) })
}
