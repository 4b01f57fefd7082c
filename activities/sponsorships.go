package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// sponsorships are the guests and agents that the leaver answers for. An agent must have somebody who does, so that
// whoever takes over comes first. Guests have no names here: they are other people.
//
// Microsoft: GET /users/{id}/sponsorOf, POST and DELETE …/sponsors/$ref.
var sponsorships = things{
	none:    "the leaver answers for no guest and no agent",
	list:    (*Activities).listSponsorships,
	changed: "the leaver does not answer for it any more",
	change:  (*Activities).handOverSponsorship,
}

func (a *Activities) listSponsorships(ctx context.Context, s subject) ([]leaver.Item, error) {
	sponsored, err := a.graph.SponsorOf(ctx, s.UserID)
	if err != nil || len(sponsored) == 0 {
		return nil, err
	}
	next, note, err := a.successor(ctx, s.UserID, s.Settings.HandOverTo)
	var items []leaver.Item
	for _, object := range sponsored {
		item := leaver.Item{ID: object.ID, Kind: "guest", Before: map[string]string{"@odata.type": object.Type}}
		_, changeable := object.Kind()
		if !object.IsGuest() {
			item.Kind, item.Name = "agent", object.DisplayName
		}
		switch {
		case !changeable:
			item.Outcome, item.Detail = leaver.Failed, "its sponsors are not changed from here: an Agent ID Administrator does so in the Entra admin center"
		case next == "":
			item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.InvalidRequest, note
		case ascii.EqualFold(object.ID, next):
			item.Outcome, item.Detail = leaver.Failed, "it is who takes over, and nobody answers for oneself: an administrator names another sponsor in Entra"
		}
		items = append(items, item)
	}
	return items, err
}

// handOverSponsorship removes the leaver when whoever takes over is seen to be a sponsor.
func (a *Activities) handOverSponsorship(ctx context.Context, s subject, item leaver.Item) error {
	kind, ok := graph.Sponsored{Type: item.Before["@odata.type"]}.Kind()
	if !ok {
		return errListLags
	}
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return err
	}
	next, note, err := a.successor(ctx, userID, s.Settings.HandOverTo)
	switch {
	case err != nil:
		return err
	case next == "": // since the list was read just now
		return errNotYet(note)
	}
	for added := false; ; added = true {
		sponsors, err := a.graph.Sponsors(ctx, kind, item.ID)
		switch {
		case err != nil:
			return err
		case holds(sponsors, next):
			return a.graph.RemoveSponsor(ctx, kind, item.ID, userID)
		case added:
			return errNotYet("whoever takes over was made a sponsor, and Graph does not show it yet; looking again")
		}
		if err := a.graph.AddSponsor(ctx, kind, item.ID, next); err != nil && !isLinked(err) {
			return err
		}
	}
}
