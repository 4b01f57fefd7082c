package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChannelsThatHaveMembersOfTheirOwnAreListed(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"c1","membershipType":"standard"},{"id":"c2","membershipType":"private"},{"id":"c3","membershipType":"shared"},{"id":"c4","membershipType":"unknownFutureValue"}]}`))
	channels, err := client.Channels(t.Context(), groupID)
	require.NoError(t, err)
	require.Len(t, channels, 3)
	assert.Equal(t, "c2", channels[0].ID)
}
