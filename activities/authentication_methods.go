package activities

import (
	"context"
	"regexp"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// authenticationMethods are the ways in which the leaver signs in, without the password, which nobody is without. A
// Temporary Access Pass is listed first: it signs in without anything else.
//
// Microsoft: GET /users/{id}/authentication/methods, DELETE /users/{id}/authentication/{kind}Methods/{id}.
var authenticationMethods = things{
	none:    "the leaver has no sign-in method but the password",
	list:    (*Activities).listMethods,
	changed: "the sign-in method is removed",
	change:  (*Activities).removeMethod,
}

// laterKinds are the kinds that the beta of Graph alone removes.
var laterKinds = []string{"hardwareOath", "qrCodePin", "federatedIdentityCredential", "passwordlessMicrosoftAuthenticator"}

const byHand = ": an Authentication Administrator removes it in the Entra admin center, under the user's authentication methods"

func (a *Activities) listMethods(ctx context.Context, s subject) ([]leaver.Item, error) {
	methods, err := a.graph.AuthenticationMethods(ctx, s.UserID)
	var first, items []leaver.Item
	for _, m := range methods {
		if m.IsPassword() {
			continue
		}
		item := leaver.Item{ID: m.ID, Name: m.Model, Kind: m.Named(), Before: map[string]string{"@odata.type": m.Type}}
		if !m.CreatedDateTime.IsZero() {
			item.Before["createdDateTime"] = stamped(m.CreatedDateTime)
		}
		switch kind, removable := m.Kind(); {
		case removable && kind == graph.TemporaryAccessPass:
			first = append(first, item)
			continue
		case removable:
		case slices.Contains(laterKinds, m.Named()):
			item.Outcome, item.Detail = leaver.Failed, "only the beta of Graph removes methods of this kind"+byHand
		default:
			item.Kind, item.Before = "unknown", nil
			item.Outcome, item.Detail = leaver.Failed, "it is of a kind that is not known here"+byHand
		}
		items = append(items, item)
	}
	return append(first, items...), err
}

// removeMethod removes a method. Which one is the default cannot be read in v1.0: Graph refuses to remove it before the
// others.
func (a *Activities) removeMethod(ctx context.Context, s subject, item leaver.Item) error {
	kind, ok := graph.AuthenticationMethod{Type: item.Before["@odata.type"]}.Kind()
	if !ok {
		return errListLags
	}
	refusal := a.graph.RemoveAuthenticationMethod(ctx, s.UserID, kind, item.ID)
	if !isBadRequest(refusal, defaultMethod) {
		return refusal
	}
	left, err := a.listMethods(ctx, s)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(left, func(other leaver.Item) bool { return other.ID != item.ID && other.Outcome == "" }) {
		return errNotYet("it is the default method, which goes last; looking again when the others are removed")
	}
	return refusal
}

// defaultMethod finds that a method is refused because it is the default one and there are others.
var defaultMethod = regexp.MustCompile(`default (authentication )?method`)
