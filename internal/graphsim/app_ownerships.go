package graphsim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	readsOwned     = [][]string{{"User.Read.All"}, {"User.ReadWrite.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	readsAppOwners = [][]string{{"Application.Read.All"}, {"Application.ReadWrite.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	addsAppOwners  = [][]string{{"Application.ReadWrite.All", "Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	dropsAppOwners = [][]string{{"Application.ReadWrite.All"}, {"Directory.ReadWrite.All"}}
	appOwnerRoutes = slices.Concat(
		[]route{{http.MethodGet, "/users/{id}/ownedObjects", readsOwned, (*Tenant).listOwned}},
		ownerRoutes("applications"), ownerRoutes("servicePrincipals"),
	)
)

func ownerRoutes(kind string) []route {
	of := func(do func(*Tenant, query, *App) answer) func(*Tenant, query) answer {
		return func(t *Tenant, q query) answer {
			app := t.app(kind, q.named["app"])
			if app == nil {
				return noObject(q.named["app"])
			}
			return do(t, q, app)
		}
	}
	return []route{
		{http.MethodGet, "/" + kind + "/{app}", readsAppOwners, of((*Tenant).getApp)},
		{http.MethodGet, "/" + kind + "/{app}/owners", readsAppOwners, of((*Tenant).listAppOwners)},
		{http.MethodPost, "/" + kind + "/{app}/owners/$ref", addsAppOwners, of((*Tenant).addAppOwner)},
		{http.MethodDelete, "/" + kind + "/{app}/owners/{owner}/$ref", dropsAppOwners, of((*Tenant).removeAppOwner)},
	}
}

// App is an application, in one of its two shapes.
type App struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"` // applications, unless given, or servicePrincipals
	Name    string   `json:"displayName"`
	Secrets []Secret `json:"secrets,omitempty"`
	Owners  []string `json:"owners,omitempty"` // their object ids

	seen lagged[[]string]
}

// Secret is a password or a certificate of an application, by which anybody who knows it signs in.
type Secret struct {
	KeyID       string `json:"keyId"`
	EndDateTime string `json:"endDateTime,omitempty"`
	Certificate bool   `json:"certificate,omitempty"`
}

// AddApp puts an application into the tenant, and returns its object id.
func (t *Tenant) AddApp(app App) (id string) {
	defer t.lock()()
	app.ID, app.Kind = cmp.Or(app.ID, uuid.NewString()), cmp.Or(app.Kind, "applications")
	app.seen = lagged[[]string]{now: app.Owners}
	t.apps = append(t.apps, &app)
	return app.ID
}

// Apps returns the applications as they are now, by object id.
func (t *Tenant) Apps() map[string]App {
	defer t.lock()()
	all := map[string]App{}
	for _, app := range t.apps {
		all[app.ID] = *app
	}
	return all
}

func (t *Tenant) app(kind, id string) *App {
	for _, app := range t.apps {
		if app.Kind == kind && ascii.EqualFold(app.ID, id) {
			return app
		}
	}
	return nil
}

func (t *Tenant) listOwned(q query) answer {
	all := []any{}
	for _, app := range t.apps {
		if slices.Contains(app.seen.at(t.shown()), q.user.ID) {
			all = append(all, map[string]any{"@odata.type": "#microsoft.graph." + strings.TrimSuffix(app.Kind, "s"), "id": app.ID, "displayName": app.Name})
		}
	}
	for _, group := range t.groups {
		if slices.Contains(group.owners.at(t.shown()), q.user.ID) {
			all = append(all, group.row(q))
		}
	}
	return collection("directoryObjects", all)
}

func (t *Tenant) getApp(q query, app *App) answer {
	passwords, keys := []any{}, []any{}
	for _, s := range app.Secrets {
		row := map[string]any{"keyId": s.KeyID, "endDateTime": known(s.EndDateTime)}
		if s.Certificate {
			keys = append(keys, row)
		} else {
			passwords = append(passwords, row)
		}
	}
	return entity(app.Kind+"/$entity", selected(q, map[string]any{"id": app.ID, "displayName": app.Name, "passwordCredentials": passwords, "keyCredentials": keys}))
}

func (t *Tenant) listAppOwners(_ query, app *App) answer {
	all := []any{}
	for _, owner := range app.seen.at(t.shown()) {
		all = append(all, map[string]any{"@odata.type": "#microsoft.graph.user", "id": owner})
	}
	return collection("directoryObjects", all)
}

func (t *Tenant) addAppOwner(q query, app *App) answer {
	id, ok := referred(q)
	owner := t.find(id)
	switch {
	case !ok:
		return fault(http.StatusBadRequest, "Request_BadRequest", "Invalid URL format specified in @odata.id.")
	case owner == nil:
		return noObject(id)
	case slices.Contains(app.Owners, owner.ID):
		return fault(http.StatusBadRequest, "Request_BadRequest", "One or more added object references already exist for the following modified properties: 'owners'.")
	}
	t.own(app, append(slices.Clone(app.Owners), owner.ID))
	return noContent
}

func (t *Tenant) removeAppOwner(q query, app *App) answer {
	id := q.named["owner"]
	is := func(owner string) bool { return ascii.EqualFold(owner, id) }
	switch {
	case slices.ContainsFunc(app.Owners, is):
		t.own(app, without(app.Owners, is))
		return noContent
	case slices.ContainsFunc(app.seen.at(t.shown()), is): // a replica has it still
		return fault(http.StatusBadRequest, "Request_BadRequest", "One or more removed object references do not exist for the following modified properties: 'owners'.")
	}
	return noObject(id)
}

func (t *Tenant) own(app *App, owners []string) {
	app.Owners = owners
	app.seen.set(owners, t.now())
}
