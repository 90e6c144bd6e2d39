"""All rows."""

import rows_clock
import rows_network
import rows_node
import rows_process
import rows_quiet
import rows_server
import rows_service
import rows_state

GROUPS = (rows_process, rows_network, rows_server, rows_node, rows_service, rows_clock, rows_state, rows_quiet)
ROWS = [row for group in GROUPS for row in group.ROWS]
