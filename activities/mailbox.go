package activities

import (
	"errors"
	"net/http"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// noMailbox is all that Exchange tells of a leaver whose mailbox Graph does not reach.
const noMailbox errNotApplicable = "Graph reaches no mailbox of the leaver: there is none, it is on the premises or inactive, or its licence has been taken away already"

// ofMailbox is the error of a call that needs a mailbox, which says so where there is none.
func ofMailbox(err error) error {
	if e, ok := errors.AsType[*graph.Error](err); ok && e.Status == http.StatusNotFound && e.Code == "MailboxNotEnabledForRESTAPI" {
		return noMailbox
	}
	return err
}

// unlistable is what Exchange lists so that it cannot be changed.
func unlistable(kind string) leaver.Item {
	return leaver.Item{ID: kind + " without an id", Kind: kind, Outcome: leaver.Failed, Detail: "Graph lists it without an id, so that it cannot be changed here: an Exchange administrator sees it in the mailbox"}
}
