package activities

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// eachTries is how often each of many reads is made in one attempt, and eachPause the pause after the first try; it
	// doubles.
	eachTries = 6
	eachPause = 250 * time.Millisecond
	// eachLongest is the longest Retry-After that a read waits for within the attempt.
	eachLongest = 10 * time.Second
)

// readEach calls read for each number below n, some at a time, until one call fails. A read that may succeed soon is
// made again here, and not by Temporal with all others: of a hundred reads one always fails where Graph fails now and
// then, and the attempts would never end.
func readEach(ctx context.Context, n int, read func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for i := range n {
		group.Go(func() error { return readAgain(ctx, func() error { return read(ctx, i) }) })
	}
	return group.Wait()
}

func readAgain(ctx context.Context, read func() error) error {
	for tries, pause := 1, eachPause; ; tries, pause = tries+1, 2*pause {
		err := read()
		after, soon := maySucceedSoon(err)
		if !soon || tries == eachTries {
			return err
		}
		select {
		case <-time.After(max(after, pause)):
		case <-ctx.Done():
			return err
		}
	}
}

// maySucceedSoon reports whether a read is worth making again in the same attempt, and after what pause at least.
func maySucceedSoon(err error) (after time.Duration, soon bool) {
	if _, notYet := errors.AsType[errNotYet](err); err == nil || notYet || halted(err) {
		return 0, false
	}
	f, again := explained(err)
	return f.After, again == outage && f.After <= eachLongest
}
