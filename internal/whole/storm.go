package whole

import "github.com/leaver-dev/leaver/internal/graphsim"

// Storm are faults of all kinds, one of which a request in five meets.
func Storm() []graphsim.Fault {
	return []graphsim.Fault{
		{Times: -1, Every: 17, Status: 503, Code: "ServiceUnavailable"},
		{Times: -1, Every: 19, Status: 429, Code: "TooManyRequests", RetryAfter: "1"},
		{Times: -1, Every: 23, Reset: true},
		{Times: -1, Every: 29, Cut: true},
		{Times: -1, Every: 31, Status: 502, HTML: true},
	}
}
