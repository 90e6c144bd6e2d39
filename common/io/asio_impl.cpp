// Asio's non-template half, compiled once for the whole project (BOOST_ASIO_SEPARATE_COMPILATION).

// Without endpoint::to_string(), which writes to a stream: it alone would pull streams and locales
// into a static client (ADR 23).
#define BOOST_ASIO_NO_IOSTREAM
#include <boost/asio/impl/src.hpp>
