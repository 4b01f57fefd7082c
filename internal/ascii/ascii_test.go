package ascii

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlyASCIILettersFold(t *testing.T) {
	t.Parallel()
	assert.True(t, EqualFold("ADELE@contoso.com", "adele@Contoso.COM"))
	assert.Equal(t, "adele-é@[`{0", ToLower("ADELE-é@[`{0"))
	for name, other := range map[string]string{"\u212aim@contoso.com": "kim@contoso.com", "\u017fam@contoso.com": "sam@contoso.com", "É": "é"} {
		assert.True(t, strings.EqualFold(name, other), "Unicode takes them for the same")
		assert.False(t, EqualFold(name, other))
	}
}
