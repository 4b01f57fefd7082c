package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// appOwnerships are the app registrations and the enterprise applications that the leaver owns. An owner may have made
// secrets, which go on working: they are told, and whoever takes over rotates them.
//
// Microsoft: GET /users/{id}/ownedObjects, POST and DELETE /applications/{id}/owners/$ref, and of /servicePrincipals.
var appOwnerships = things{
	none:    "the leaver owns no application",
	list:    (*Activities).listAppOwnerships,
	look:    (*Activities).lookAtAppOwnership,
	changed: noOwner,
	change:  (*Activities).removeAppOwnership,
}

const noOwner = "the leaver is no owner any more"

func (a *Activities) listAppOwnerships(ctx context.Context, s subject) ([]leaver.Item, error) {
	apps, err := a.graph.OwnedApps(ctx, s.UserID)
	if err != nil || len(apps) == 0 {
		return nil, err
	}
	_, _, nobody := a.whoTakesOver(ctx, s)
	if nobody != nil && !isNobody(nobody) {
		return nil, nobody
	}
	items := make([]leaver.Item, len(apps))
	err = readEach(ctx, len(apps), func(ctx context.Context, i int) (err error) {
		items[i], err = a.ownedApp(ctx, s, apps[i], nobody)
		if notFound(err) {
			return errListLags
		}
		return err
	})
	return items, err
}

// ownedApp is an application as an item. Nobody says why there is nobody who takes over, or is nil.
func (a *Activities) ownedApp(ctx context.Context, s subject, app graph.OwnedApp, nobody error) (leaver.Item, error) {
	item := leaver.Item{ID: app.ID, Name: app.DisplayName, Kind: string(app.Kind)}
	if app.Kind == "" {
		item.Kind, item.Outcome, item.Detail = "agent", leaver.Failed, "it is an agent of the directory, whose owners are not changed from here: an administrator does so in Entra, under Agents"
		return item, nil
	}
	secrets, err := a.graph.AppSecrets(ctx, app.Kind, app.ID)
	if err != nil {
		return leaver.Item{}, err
	}
	item.Before = keysOf(secrets)
	if nobody == nil {
		return item, nil
	}
	others, err := a.otherOwners(ctx, s, app.Kind, app.ID)
	if len(others) == 0 {
		item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.InvalidRequest, "nobody else owns the application: "+nobody.Error()
	}
	return item, err
}

// keysOf are the secrets that work still, as an item has facts: the ids in one text, and when each ends in another.
func keysOf(secrets []graph.AppSecret) map[string]string {
	var ids, ends []string
	for _, secret := range secrets {
		if end, err := time.Parse(time.RFC3339, secret.EndDateTime); err != nil || end.After(time.Now()) {
			ids, ends = append(ids, secret.KeyID), append(ends, secret.EndDateTime)
		}
	}
	return map[string]string{"keyId": strings.Join(ids, ", "), "endDateTime": strings.Join(ends, ", ")}
}

// otherOwners are the object ids of an application's owners without the leaver's.
func (a *Activities) otherOwners(ctx context.Context, s subject, kind graph.AppKind, id string) ([]string, error) {
	owners, err := a.graph.AppOwners(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	userID, err := a.objectID(ctx, s.UserID)
	return slices.DeleteFunc(owners, func(owner string) bool { return ascii.EqualFold(owner, userID) }), err
}

func (a *Activities) lookAtAppOwnership(ctx context.Context, s subject, item leaver.Item) (leaver.Item, error) {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return leaver.Item{}, err
	}
	owners, err := a.graph.AppOwners(ctx, graph.AppKind(item.Kind), item.ID)
	switch {
	case notFound(err):
		item.Outcome, item.Detail = leaver.AlreadyDone, "the application is deleted"
		return item, nil
	case err != nil:
		return leaver.Item{}, err
	case !holds(owners, userID):
		item.Outcome, item.Detail = leaver.AlreadyDone, noOwner
		if keys := item.Before["keyId"]; keys != "" {
			item.Detail += fmt.Sprintf("; secrets to rotate, which the leaver may know: %d, by their keyId in before", strings.Count(keys, ", ")+1)
		}
	}
	return item, nil
}

// removeAppOwnership removes the leaver when the one who takes over is seen to be an owner. Where others own the
// application too, nobody has to take over.
func (a *Activities) removeAppOwnership(ctx context.Context, s subject, item leaver.Item) error {
	kind := graph.AppKind(item.Kind)
	others, err := a.otherOwners(ctx, s, kind, item.ID)
	if err != nil {
		return err
	}
	switch next, _, err := a.whoTakesOver(ctx, s); {
	case err != nil && (len(others) == 0 || !isNobody(err)):
		return err
	case err == nil && !holds(others, next):
		if err := a.graph.AddAppOwner(ctx, kind, item.ID, next); err != nil && !isLinked(err) {
			return err
		}
		if others, err = a.otherOwners(ctx, s, kind, item.ID); err != nil {
			return err
		}
		if !holds(others, next) {
			return errNotYet("whoever takes over was made an owner, and Graph does not show it yet; looking again")
		}
	}
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return err
	}
	return a.graph.RemoveAppOwner(ctx, kind, item.ID, userID)
}
