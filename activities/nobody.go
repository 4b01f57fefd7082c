package activities

import (
	"context"
	"errors"
)

// errNobody says why there is nobody who takes over what the leaver has, and what to do.
type errNobody string

func (e errNobody) Error() string { return string(e) }

func isNobody(err error) bool {
	_, ok := errors.AsType[errNobody](err)
	return ok
}

// whoTakesOver is the object id of the successor, for steps that cannot be done without one, and the note of successor.
func (a *Activities) whoTakesOver(ctx context.Context, s subject) (id, note string, err error) {
	id, note, err = a.successor(ctx, s.UserID, s.Settings.HandOverTo)
	if err == nil && id == "" {
		err = errNobody(note)
	}
	return id, note, err
}
