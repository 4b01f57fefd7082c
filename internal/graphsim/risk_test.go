package graphsim_test

import (
	"testing"

	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

func TestARiskIsSeenOnceItIsConfirmed(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.lee()
	const users = "/identityProtection/riskyUsers/"
	assert.Equal(t, 404, o.graph("GET", users+id, "").status)
	assert.Equal(t, 400, o.graph("POST", users+"confirmCompromised", `{"userIds":[]}`).status)
	assert.Equal(t, 404, o.graph("POST", users+"confirmCompromised", `{"userIds":["nobody"]}`).status)
	assert.Equal(t, 204, o.graph("POST", users+"confirmCompromised", `{"userIds":["`+id+`"]}`).status)
	assert.Equal(t, "confirmedCompromised", o.graph("GET", users+id+"?$select=id,riskState", "").json(t)["riskState"])
	assert.Empty(t, o.Users()[adele].RiskState)
	o.Configure(graphsim.Settings{NoPremium: true})
	assert.Equal(t, 403, o.graph("GET", users+id, "").status)
}
