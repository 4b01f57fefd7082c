package graphsim_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADeletedUserIsSeenAmongTheDeletedAfterAWhile(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	path, deleted := "/users/"+id, "/directory/deletedItems/"+id
	o.refused(404, "does not exist", "GET", deleted, "")
	require.Equal(t, 204, o.graph("DELETE", path, "").status)
	o.refused(404, "does not exist", "GET", deleted, "")
	assert.Equal(t, 200, o.graph("GET", path, "").status)
	o.refused(404, "does not exist", "DELETE", path, "")
	o.Configure(graphsim.Settings{})
	assert.Equal(t, 200, o.graph("GET", deleted, "").status)
	o.refused(404, "does not exist", "GET", path, "")
}

func TestNeitherASynchronisedUserNorAnAdministratorIsDeleted(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	path := "/users/" + o.Add(graphsim.User{UserPrincipalName: lee, OnPremisesSyncEnabled: true})
	o.refused(400, "on-premises mastered", "DELETE", path, "")
	user := o.Users()[lee]
	user.OnPremisesSyncEnabled, user.Memberships = false, []graphsim.Membership{{ID: "r1", Role: true}}
	o.Add(user)
	o.refused(403, "Insufficient privileges", "DELETE", path, "")
	assert.False(t, o.Users()[lee].Deleted)
}
