"""A comparison or a run as one HTML page that opens from disk, without a network.

``race`` and ``run`` turn results into plain data, ``document`` puts these into ``page.html`` with
the style ``page.css`` and the scripts: ``dom.js`` (elements, numbers, colours, tables),
``shades.js`` and ``surface.js`` (what a network predicts), ``chart.js``, ``curves.js``,
``paths.js``, and ``page.js``.
"""
