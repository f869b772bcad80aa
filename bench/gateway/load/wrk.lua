-- Sends the requests of a file, in turn, and says as one line of JSON what was found.

local requests = {}
local last = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for text in file:read("*a"):gmatch("[^%z]+") do
    requests[#requests + 1] = text
  end
  file:close()
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'found {"requests":%d,"micros":%d,"p50Micros":%d,"p99Micros":%d,"sockets":%d,"timeouts":%d,"statuses":%d}\n',
    summary.requests,
    summary.duration,
    latency:percentile(50),
    latency:percentile(99),
    errors.connect + errors.read + errors.write,
    errors.timeout,
    errors.status
  ))
end
