"""THE AIRLOCK: policy, approval, and the only hands.

What policy says (`assess`), what a person said (`approve`), what is sent (`execute`). Nothing
reaches a platform except through here.
"""
