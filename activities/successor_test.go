package activities

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/leaver-dev/leaver/internal/graph"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// line is a tenant with a line of people, each of whom reports to the next; can says who can sign in. It returns their
// object ids.
func line(t *testing.T, can ...bool) (*Activities, *graphsim.Tenant, []string) {
	t.Helper()
	tenant := graphsim.NewTenant(nil)
	server := httptest.NewServer(tenant.Handler())
	t.Cleanup(server.Close)
	client, err := graph.New(graph.Options{URL: server.URL + graphsim.GraphPath, Credential: anyToken{}})
	require.NoError(t, err)
	tenant.Accept("token", graphsim.Application) // of anyToken
	ids := make([]string, len(can))
	for i := range can {
		ids[i] = fmt.Sprintf("0f1e2d3c-0000-4222-8333-%012d", i)
	}
	for i, enabled := range can {
		user := graphsim.User{ID: ids[i], UserPrincipalName: fmt.Sprintf("p%d@contoso.com", i), AccountEnabled: enabled}
		if i+1 < len(can) {
			user.ManagerID = ids[i+1]
		}
		tenant.Add(user)
	}
	return &Activities{graph: client}, tenant, ids
}

func TestTheNearestManagerWhoCanSignInTakesOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		can  []bool
		next int // whose turn it is; 0 means nobody's
		says string
	}{
		"the manager":                          {[]bool{true, true, true}, 1, ""},
		"the manager is disabled":              {[]bool{false, false, true}, 2, "the next one above who can takes over"},
		"the fifth":                            {[]bool{true, false, false, false, false, true}, 5, "the next one above who can takes over"},
		"the sixth is too far away":            {[]bool{true, false, false, false, false, false, true}, 0, "nor can the others above: set a manager who can sign in and retry, or start anew with handOverTo"},
		"no manager":                           {[]bool{true}, 0, "the leaver has no manager in Entra: set a manager"},
		"a disabled manager, and nobody above": {[]bool{true, false}, 0, "there is nobody above who can: set a manager"},
	} {
		a, _, ids := line(t, c.can...)
		for _, word := range []string{"", "manager"} {
			for _, leaverID := range []string{ids[0], "P0@contoso.com"} {
				id, note, err := a.successor(t.Context(), leaverID, word)
				require.NoError(t, err, name)
				want := ""
				if c.next > 0 {
					want = ids[c.next]
				}
				assert.Equal(t, want, id, name)
				assert.Equal(t, c.says == "", note == "", name)
				assert.Contains(t, note, c.says, name)
			}
		}
	}
}

func TestManagersWhoLeadBackToTheLeaverAreNobody(t *testing.T) {
	t.Parallel()
	a, tenant, ids := line(t, true, false, true)
	last := tenant.Users()["p1@contoso.com"]
	last.ManagerID = ids[0]
	tenant.Add(last)
	id, note, err := a.successor(t.Context(), ids[0], "")
	require.NoError(t, err)
	assert.Empty(t, id)
	assert.Contains(t, note, "lead back to the leaver")
}

func TestOnlyWhoIsNamedTakesOver(t *testing.T) {
	t.Parallel()
	a, _, ids := line(t, true, true, true, false)
	for named, c := range map[string]struct{ id, says string }{
		ids[2]:                                 {ids[2], ""},
		"P2@contoso.com":                       {ids[2], ""},
		ids[3]:                                 {"", "cannot sign in: enable that account"},
		ids[0]:                                 {"", "is the leaver"},
		"p0@contoso.com":                       {"", "is the leaver"},
		"nobody@contoso.com":                   {"", "is not in this tenant"},
		"0f1e2d3c-9999-4222-8333-444455556666": {"", "is not in this tenant"},
	} {
		id, note, err := a.successor(t.Context(), ids[0], named)
		require.NoError(t, err, named)
		assert.Equal(t, c.id, id, named)
		assert.Equal(t, c.says == "", note == "", named)
		assert.Contains(t, note, c.says, named)
		assert.NotContains(t, note, "contoso.com")
	}
}

func TestALeaverWhoIsDeletedHasNobodyInsteadOfNoManager(t *testing.T) {
	t.Parallel()
	a, tenant, ids := line(t, true, true)
	gone := tenant.Users()["p0@contoso.com"]
	gone.Deleted = true
	tenant.Add(gone)
	_, _, err := a.successor(t.Context(), ids[0], "")
	assert.True(t, notFound(err), "%v", err)
	tenant.Fail(graphsim.Fault{Path: "/manager", Status: 503})
	_, _, err = a.successor(t.Context(), ids[1], "")
	assert.Error(t, err, "what could not be read is no decision")
}
