"""The action server: answers, orders, returns, hand-off."""
