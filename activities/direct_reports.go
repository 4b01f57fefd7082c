package activities

import (
	"context"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// directReports are those whose manager the leaver is. They have no names here: they are other people.
//
// Microsoft: GET /users/{id}/directReports, PUT /users/{id}/manager/$ref.
var directReports = things{
	none:    "nobody reports to the leaver",
	list:    (*Activities).listDirectReports,
	changed: "the leaver is no longer the manager",
	change:  (*Activities).handOverReport,
}

func (a *Activities) listDirectReports(ctx context.Context, s subject) ([]leaver.Item, error) {
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	reports, err := a.graph.DirectReports(ctx, id)
	if err != nil || len(reports) == 0 {
		return nil, err
	}
	next, note, err := a.successor(ctx, id, s.Settings.HandOverTo)
	if err != nil {
		return nil, err
	}
	var above []string
	if next != "" {
		if above, err = a.managersAbove(ctx, next, id); err != nil {
			return nil, err
		}
	}
	var items []leaver.Item
	for _, report := range reports {
		item := leaver.Item{ID: report.ID, Kind: "report", Before: map[string]string{"manager": id}}
		item.Detail, item.Failure = cannotReport(report, next, note, above)
		if item.Detail != "" {
			item.Outcome = leaver.Failed
		}
		items = append(items, item)
	}
	return items, nil
}

// managersAbove are the object ids of the managers above somebody, up to the leaver.
func (a *Activities) managersAbove(ctx context.Context, userID, leaverID string) ([]string, error) {
	var above []string
	for below := userID; ; {
		manager, err := a.graph.Manager(ctx, below)
		switch {
		case notFound(err):
			return above, nil
		case err != nil:
			return nil, err
		case ascii.EqualFold(manager.ID, leaverID), !manager.IsUser, slices.Contains(above, manager.ID):
			return above, nil
		}
		above, below = append(above, manager.ID), manager.ID
	}
}

// cannotReport says why somebody cannot report to who takes over, and who can change that; with a failure it is a
// question. Above are the managers above who takes over.
func cannotReport(report graph.Report, next, note string, above []string) (detail string, question leaver.FailureType) {
	switch {
	case !report.IsUser():
		return "it is a contact: an Exchange administrator sets the manager", ""
	case report.OnPremisesSyncEnabled:
		return "the account is synchronised from Active Directory: an administrator sets the manager there", ""
	case next == "":
		return note, leaver.InvalidRequest
	case ascii.EqualFold(report.ID, next):
		return "it is who takes over, and nobody reports to oneself: an administrator sets another manager in Entra", ""
	case slices.Contains(above, report.ID):
		return "who takes over is below this person, and managers would stand in a circle: an administrator sets another manager in Entra", ""
	}
	return "", ""
}

func (a *Activities) handOverReport(ctx context.Context, s subject, item leaver.Item) error {
	next, note, err := a.successor(ctx, s.UserID, s.Settings.HandOverTo)
	switch {
	case err != nil:
		return err
	case next == "": // since the list was read just now
		return errNotYet(note)
	}
	return a.graph.SetManager(ctx, item.ID, next)
}
